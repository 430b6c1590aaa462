ALTER TABLE `sessions`
  DROP COLUMN `user_agent`,
  DROP COLUMN `ip_address`,
  DROP COLUMN `refreshed_at`;
