-- A transfer whose ID begins with the first 48 bits of the UUID that it refers to, as all lines of a payment do, is found by its ID. The others
-- alone need an index by reference.
-- +goose Up
CREATE INDEX journal_by_reference ON journal (reference, seq)
	WHERE reference <> '' AND lower(hex(substr(id, 1, 6))) <> substr(reference, 1, 8) || substr(reference, 10, 4);
DROP INDEX journal_reference;

-- +goose Down
CREATE INDEX journal_reference ON journal (reference, seq) WHERE reference <> '';
DROP INDEX journal_by_reference;
