CREATE TABLE IF NOT EXISTS `wallet_observations` (
  `chain_id` int NOT NULL,
  `wallet_address` char(42) NOT NULL,
  `asset` varchar(42) NOT NULL,
  `balance` decimal(65,0) NOT NULL,
  `spend_per_hour` decimal(65,0) NOT NULL,
  `latest_nonce` bigint NULL,
  `pending_nonce` bigint NULL,
  `block_number` bigint NOT NULL,
  `seen_at` datetime(3) NOT NULL,
  PRIMARY KEY (`chain_id`, `wallet_address`, `asset`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
