ALTER TABLE `users`
  DROP KEY `users_asked`,
  DROP COLUMN `must_change_password`,
  DROP COLUMN `asked_email`;
