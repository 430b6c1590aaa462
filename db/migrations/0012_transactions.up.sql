CREATE TABLE IF NOT EXISTS `transactions` (
  `chain_id` int NOT NULL,
  `tx_hash` char(66) NOT NULL,
  `request_id` varchar(64) NOT NULL,
  `status` enum('PENDING','SUCCEEDED','REVERTED') NOT NULL,
  `block_number` bigint NULL,
  `block_hash` char(66) NULL,
  `gas_used` decimal(65,0) NULL,
  `effective_gas_price` decimal(65,0) NULL,
  `cost_wei` decimal(65,0) NULL,
  `seen_at` datetime(3) NULL,
  `finalized_at` datetime(3) NULL,
  `updated_at` datetime(3) NOT NULL,
  PRIMARY KEY (`chain_id`, `tx_hash`),
  KEY `transactions_request` (`request_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
