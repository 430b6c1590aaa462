CREATE TABLE IF NOT EXISTS `api_keys` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `key_id` char(35) NOT NULL,
  `secret_hash` char(64) NOT NULL,
  `owner_id` int NOT NULL,
  `name` varchar(100) NOT NULL,
  `scopes` varchar(1024) NOT NULL,
  `ip_allowlist` varchar(2048),
  `created_at` datetime(3) NOT NULL,
  `expires_at` datetime(3),
  `seal` char(64) NOT NULL,
  `revoked_at` datetime(3),
  `last_used_at` datetime(3),
  `last_used_from` varchar(45),
  UNIQUE KEY `api_keys_key_id` (`key_id`),
  KEY `api_keys_owner` (`owner_id`, `id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
