ALTER TABLE `users`
  ADD COLUMN `asked_email` varchar(254) NULL,
  ADD COLUMN `must_change_password` boolean NOT NULL DEFAULT false,
  ADD KEY `users_asked` (`asked_email`, `password_hash`);
