CREATE TABLE IF NOT EXISTS `refresh_tokens` (
  `token_hash` char(64) NOT NULL PRIMARY KEY,
  `user_id` int NOT NULL,
  `family_id` char(32) NOT NULL,
  `expires_at` datetime(3) NOT NULL,
  `used_at` datetime(3) NULL,
  `revoked_at` datetime(3) NULL,
  `created_at` datetime(3) NOT NULL,
  KEY `refresh_tokens_family` (`family_id`),
  KEY `refresh_tokens_user` (`user_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
