ALTER TABLE `sessions`
  ADD COLUMN `refreshed_at` datetime(3) NULL,
  ADD COLUMN `ip_address` varchar(45) NULL,
  ADD COLUMN `user_agent` varchar(256) NULL;
