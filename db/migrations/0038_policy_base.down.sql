ALTER TABLE `policies`
  DROP CONSTRAINT `policies_two_people`,
  DROP COLUMN `base_version`;
