ALTER TABLE `sessions`
  ADD COLUMN `last_used_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  ADD COLUMN `ip_address` varchar(45) NULL,
  ADD COLUMN `user_agent` varchar(256) NULL;
