CREATE TABLE IF NOT EXISTS `api_key_nonces` (
  `key_id` bigint NOT NULL,
  `nonce` varchar(64) NOT NULL,
  `signed_at` datetime(3) NOT NULL,
  PRIMARY KEY (`key_id`, `nonce`),
  KEY `api_key_nonces_signed` (`signed_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
