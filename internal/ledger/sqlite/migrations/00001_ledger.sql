-- +goose Up
CREATE TABLE head (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	batch INTEGER NOT NULL, batch_id BLOB NOT NULL, seq INTEGER NOT NULL, booked INTEGER NOT NULL, accounts INTEGER NOT NULL,
	flushed INTEGER NOT NULL, windows INTEGER NOT NULL, swept INTEGER NOT NULL,
	journal_frontier BLOB NOT NULL, account_frontier BLOB NOT NULL
) STRICT;
INSERT INTO head VALUES (1, 0, zeroblob(16), 0, 0, 0, 0, 0, 0, x'', x'');

CREATE TABLE account (
	no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, participant TEXT NOT NULL,
	type TEXT NOT NULL, currency TEXT NOT NULL, floor INTEGER, cap INTEGER, sum INTEGER NOT NULL
) STRICT;
CREATE INDEX account_owner ON account (owner, id);

CREATE TABLE balance (
	account INTEGER PRIMARY KEY REFERENCES account (no),
	debits INTEGER NOT NULL, credits INTEGER NOT NULL, pending_debits INTEGER NOT NULL, pending_credits INTEGER NOT NULL, seq INTEGER NOT NULL
) STRICT;

-- kind: 1 immediate, 2 reserve, 3 post, 4 void, 5 expire, 6 reverse
CREATE TABLE journal (
	seq INTEGER PRIMARY KEY, booked INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 6),
	debit INTEGER NOT NULL, credit INTEGER NOT NULL CHECK (credit <> debit), currency TEXT NOT NULL,
	amount INTEGER NOT NULL CHECK (amount > 0 OR amount = 0 AND kind IN (4, 5)), released INTEGER NOT NULL,
	ref BLOB, expires INTEGER, value_date INTEGER NOT NULL, code TEXT NOT NULL, reference TEXT NOT NULL, win TEXT NOT NULL,
	sum INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_ended ON journal (ref) WHERE kind IN (3, 4, 5);
CREATE INDEX journal_reversed ON journal (ref) WHERE kind = 6;
CREATE INDEX journal_debit ON journal (debit, seq);
CREATE INDEX journal_credit ON journal (credit, seq);
CREATE INDEX journal_reference ON journal (reference, seq) WHERE reference <> '';
CREATE INDEX journal_expires ON journal (expires) WHERE kind = 2;

CREATE TABLE batch (no INTEGER PRIMARY KEY, id BLOB NOT NULL, seq INTEGER NOT NULL, booked INTEGER NOT NULL) STRICT;

CREATE TABLE node (level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;

CREATE TABLE window_position (
	win TEXT NOT NULL, account INTEGER NOT NULL, debits INTEGER NOT NULL, credits INTEGER NOT NULL, count INTEGER NOT NULL,
	PRIMARY KEY (win, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
	kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, grp TEXT NOT NULL, due INTEGER,
	body BLOB NOT NULL, digest BLOB NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, PRIMARY KEY (kind, key)
) STRICT;
CREATE INDEX record_group ON record (kind, grp, state, key);
CREATE INDEX record_due ON record (kind, due, key) WHERE due IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER journal_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER account_update BEFORE UPDATE ON account BEGIN SELECT RAISE(ABORT, 'accounts are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER account_delete BEFORE DELETE ON account BEGIN SELECT RAISE(ABORT, 'accounts are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER batch_update BEFORE UPDATE ON batch BEGIN SELECT RAISE(ABORT, 'batches are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER batch_delete BEFORE DELETE ON batch BEGIN SELECT RAISE(ABORT, 'batches are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;
-- +goose StatementEnd

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
