CREATE TABLE IF NOT EXISTS `wallets` (
  `chain_id` int NOT NULL,
  `address` char(42) NOT NULL,
  `key_id` varchar(255) NOT NULL,
  `status` enum('ACTIVE','PAUSED','DRAINING','HALTED') NOT NULL DEFAULT 'ACTIVE',
  `status_reason` varchar(255) NULL,
  `next_nonce` bigint NULL,
  `created_at` datetime(3) NOT NULL,
  PRIMARY KEY (`chain_id`, `address`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
