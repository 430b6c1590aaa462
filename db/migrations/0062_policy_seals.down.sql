ALTER TABLE `policies`
  DROP COLUMN `seal`,
  DROP COLUMN `retired_at`;
