ALTER TABLE `users` MODIFY `role` enum('USER','ADMIN') NOT NULL;
