ALTER TABLE `dead_letters`
  ADD COLUMN `retry_said_at` datetime(3) NULL AFTER `reason`,
  ADD COLUMN `retry_said_by` int NULL AFTER `retry_said_at`;
