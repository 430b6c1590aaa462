CREATE TABLE IF NOT EXISTS `alerts` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `kind` enum('NONCE_GAP','NONCE_DRIFT','FOREIGN_TRANSACTION','FOREIGN_OUTFLOW','GAS_LOW','HEAD_OF_LINE','FINALITY_UNDONE','RPC_CONTRADICTION','BOOKS_BEHIND','STRANGER_TRANSFER','PAYMENT_MISSING','WITHDRAWAL_PARKED','DOUBLE_PAYMENT','PAID_AFTER_END') NOT NULL,
  `chain_id` int NOT NULL,
  `subject` varchar(128) NOT NULL,
  `open_key` varchar(191) NULL,
  `detail` text NOT NULL,
  `times_seen` int NOT NULL DEFAULT 1,
  `raised_at` datetime(3) NOT NULL,
  `seen_at` datetime(3) NOT NULL,
  `resolved_at` datetime(3) NULL,
  UNIQUE KEY `alerts_open` (`open_key`),
  KEY `alerts_raised` (`raised_at`),
  KEY `alerts_subject` (`subject`, `kind`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
