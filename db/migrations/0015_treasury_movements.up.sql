CREATE TABLE IF NOT EXISTS `treasury_movements` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `chain_id` int NOT NULL,
  `wallet_address` char(42) NOT NULL,
  `direction` enum('IN','OUT') NOT NULL,
  `token_address` char(42) NULL,
  `amount` decimal(65,0) NOT NULL,
  `counterparty` char(42) NOT NULL,
  `reason` varchar(255) NOT NULL,
  `declared_by` varchar(128) NOT NULL,
  `declared_at` datetime(3) NOT NULL,
  `tx_hash` char(66) NULL,
  `log_index` int NULL,
  `matched_at` datetime(3) NULL,
  UNIQUE KEY `treasury_movements_transfer` (`chain_id`, `tx_hash`, `log_index`),
  KEY `treasury_movements_open` (`chain_id`, `wallet_address`, `matched_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
