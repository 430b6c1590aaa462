CREATE TABLE IF NOT EXISTS `chain_cursors` (
  `chain_id` int NOT NULL PRIMARY KEY,
  `block_number` bigint NOT NULL,
  `block_hash` char(66) NOT NULL,
  `updated_at` datetime(3) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
