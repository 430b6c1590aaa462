CREATE TABLE IF NOT EXISTS `reconciliations` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `chain_id` int NOT NULL,
  `wallet_address` char(42) NOT NULL,
  `from_block` bigint NOT NULL,
  `to_block` bigint NOT NULL,
  `transfers` int NOT NULL,
  `matched` int NOT NULL,
  `strangers` int NOT NULL,
  `missing` int NOT NULL,
  `finished_at` datetime(3) NOT NULL,
  KEY `reconciliations_wallet` (`chain_id`, `wallet_address`, `to_block`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
