-- Several leases of one attempt may have ended with a checkpoint. Which of their tokens came before which yield is told by
-- how many yields there had been, not by clocks of different machines. Older nodes add rows with 0.
ALTER TABLE geartrain.checkpoints ADD COLUMN yields integer NOT NULL DEFAULT 0;
UPDATE geartrain.checkpoints SET yields = 1 WHERE yielded;
ALTER TABLE geartrain.claims ADD COLUMN yields integer NOT NULL DEFAULT 0;
