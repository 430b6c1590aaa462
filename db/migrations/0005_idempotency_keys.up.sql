CREATE TABLE IF NOT EXISTS `idempotency_keys` (
  `owner_id` int NOT NULL,
  `key_hash` char(64) NOT NULL,
  `body_hash` char(64) NOT NULL,
  `request_id` varchar(64) NOT NULL,
  `created_at` datetime(3) NOT NULL,
  PRIMARY KEY (`owner_id`, `key_hash`),
  UNIQUE KEY `idempotency_keys_request` (`request_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
