ALTER TABLE `dead_letters`
  DROP COLUMN `retry_said_at`,
  DROP COLUMN `retry_said_by`;
