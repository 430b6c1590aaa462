ALTER TABLE `policies`
  ADD COLUMN `base_version` int NULL,
  ADD CONSTRAINT `policies_two_people` CHECK (`status` IN ('DRAFT','REJECTED') OR `proposed_by` IS NULL OR (`decided_by` IS NOT NULL AND `decided_by` <> `proposed_by`));
