CREATE TABLE IF NOT EXISTS `limit_buckets` (
  `chain_id` int NOT NULL,
  `owner_id` int NOT NULL,
  `bucket_start` datetime(3) NOT NULL,
  `currency` varchar(16) NOT NULL,
  `amount` decimal(65,0) NOT NULL,
  `withdrawals` int NOT NULL,
  PRIMARY KEY (`chain_id`, `owner_id`, `bucket_start`, `currency`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
