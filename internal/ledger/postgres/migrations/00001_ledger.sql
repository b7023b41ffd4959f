-- +goose Up
CREATE TABLE head (
	one smallint PRIMARY KEY CHECK (one = 1),
	batch bigint NOT NULL, batch_id uuid NOT NULL, seq bigint NOT NULL, booked bigint NOT NULL, accounts bigint NOT NULL,
	flushed bigint NOT NULL, windows bigint NOT NULL, swept bigint NOT NULL,
	journal_frontier bytea NOT NULL, account_frontier bytea NOT NULL
);
INSERT INTO head VALUES (1, 0, '00000000-0000-0000-0000-000000000000', 0, 0, 0, 0, 0, 0, '', '');

CREATE TABLE account (
	no bigint PRIMARY KEY, id text COLLATE "C" NOT NULL, owner text COLLATE "C" NOT NULL, participant text NOT NULL,
	type text NOT NULL, currency text NOT NULL, floor bigint, cap bigint, sum bigint NOT NULL
);
CREATE UNIQUE INDEX account_id ON account (id);
CREATE INDEX account_owner ON account (owner, id);

CREATE TABLE balance (
	account bigint PRIMARY KEY,
	debits bigint NOT NULL, credits bigint NOT NULL, pending_debits bigint NOT NULL, pending_credits bigint NOT NULL, seq bigint NOT NULL
) WITH (fillfactor = 60);

-- times are microseconds, dates days since 1970; kind: 1 immediate, 2 reserve, 3 post, 4 void, 5 expire, 6 reverse
CREATE TABLE journal (
	seq bigint PRIMARY KEY, booked bigint NOT NULL, id uuid NOT NULL, sum bigint NOT NULL,
	debit bigint NOT NULL, credit bigint NOT NULL CHECK (credit <> debit), amount bigint NOT NULL, released bigint NOT NULL,
	ref uuid, expires bigint, value_date integer NOT NULL, kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 6), currency text NOT NULL,
	code text NOT NULL, reference text NOT NULL, win text NOT NULL,
	CHECK (amount > 0 OR amount = 0 AND kind IN (4, 5))
);
CREATE UNIQUE INDEX journal_id ON journal (id);
CREATE UNIQUE INDEX journal_ended ON journal (ref) WHERE kind IN (3, 4, 5);
CREATE INDEX journal_reversed ON journal (ref) WHERE kind = 6;
CREATE INDEX journal_debit ON journal (debit, seq);
CREATE INDEX journal_credit ON journal (credit, seq);
CREATE INDEX journal_reference ON journal (reference, seq) WHERE reference <> '';
CREATE INDEX journal_expires ON journal (expires) WHERE kind = 2;

CREATE TABLE batch (no bigint PRIMARY KEY, id uuid NOT NULL, seq bigint NOT NULL, booked bigint NOT NULL);

CREATE TABLE node (level smallint NOT NULL, idx bigint NOT NULL, hash bytea NOT NULL, PRIMARY KEY (level, idx));

CREATE TABLE checkpoint (size bigint PRIMARY KEY, note text NOT NULL);

CREATE TABLE window_position (
	win text NOT NULL, account bigint NOT NULL, debits bigint NOT NULL, credits bigint NOT NULL, count bigint NOT NULL,
	PRIMARY KEY (win, account)
) WITH (fillfactor = 60);

CREATE TABLE record (
	kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, version bigint NOT NULL, state text NOT NULL, grp text NOT NULL, due bigint,
	body bytea NOT NULL, digest bytea NOT NULL, created bigint NOT NULL, updated bigint NOT NULL, PRIMARY KEY (kind, key)
) WITH (fillfactor = 80);
CREATE INDEX record_group ON record (kind, grp, state, key);
CREATE INDEX record_due ON record (kind, due, key) WHERE due IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER journal_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION never_changed();
CREATE TRIGGER account_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON account FOR EACH STATEMENT EXECUTE FUNCTION never_changed();
CREATE TRIGGER batch_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON batch FOR EACH STATEMENT EXECUTE FUNCTION never_changed();
CREATE TRIGGER checkpoint_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint FOR EACH STATEMENT EXECUTE FUNCTION never_changed();

-- +goose Down
DROP TABLE record;
DROP TABLE window_position;
DROP TABLE checkpoint;
DROP TABLE node;
DROP TABLE batch;
DROP TABLE journal;
DROP TABLE balance;
DROP TABLE account;
DROP TABLE head;
DROP FUNCTION never_changed();
