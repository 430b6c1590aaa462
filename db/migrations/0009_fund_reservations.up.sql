CREATE TABLE IF NOT EXISTS `fund_reservations` (
  `request_id` varchar(64) NOT NULL PRIMARY KEY,
  `chain_id` int NOT NULL,
  `wallet_address` char(42) NOT NULL,
  `token_address` char(42) NULL,
  `amount` decimal(65,0) NOT NULL,
  `gas_limit` decimal(65,0) NOT NULL,
  `gas_wei` decimal(65,0) NOT NULL,
  `state` enum('HELD','CONSUMED','RELEASED') NOT NULL,
  `spent_amount` decimal(65,0) NULL,
  `spent_gas_wei` decimal(65,0) NULL,
  `settled_block` bigint NULL,
  `created_at` datetime(3) NOT NULL,
  `settled_at` datetime(3) NULL,
  KEY `fund_reservations_held` (`chain_id`, `wallet_address`, `state`),
  KEY `fund_reservations_settled` (`chain_id`, `wallet_address`, `settled_block`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
