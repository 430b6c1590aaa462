CREATE TABLE IF NOT EXISTS `second_factor_recovery_codes` (
  `user_id` int NOT NULL,
  `code_hash` char(64) NOT NULL,
  `used_at` datetime(3),
  PRIMARY KEY (`user_id`, `code_hash`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
