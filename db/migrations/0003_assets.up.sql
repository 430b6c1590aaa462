CREATE TABLE IF NOT EXISTS `assets` (
  `network` varchar(32) NOT NULL,
  `currency` varchar(16) NOT NULL,
  `chain_id` int NOT NULL,
  `token_address` char(42) NULL,
  `decimals` tinyint NOT NULL,
  `min_amount` decimal(65,0) NOT NULL,
  `max_amount` decimal(65,0) NOT NULL,
  `enabled` boolean NOT NULL DEFAULT true,
  PRIMARY KEY (`network`, `currency`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
