ALTER TABLE `listed_addresses`
  ADD COLUMN `decision_reason` varchar(255) NULL,
  ADD COLUMN `removal_reason` varchar(255) NULL,
  ADD COLUMN `removal_proposed_by` int NULL,
  ADD COLUMN `removal_proposed_at` datetime(3) NULL,
  ADD COLUMN `removal_decided_by` int NULL,
  ADD COLUMN `removal_decided_at` datetime(3) NULL,
  ADD CONSTRAINT `listed_addresses_two_people` CHECK (`status` IN ('PROPOSED','REJECTED') OR (`decided_by` IS NOT NULL AND `decided_by` <> `proposed_by`)),
  ADD CONSTRAINT `listed_addresses_two_remove` CHECK (`status` <> 'REMOVED' OR (`removal_decided_by` IS NOT NULL AND `removal_proposed_by` IS NOT NULL AND `removal_decided_by` <> `removal_proposed_by`));
