CREATE TABLE IF NOT EXISTS `halts` (
  `scope` enum('GLOBAL','CHAIN','TOKEN','WALLET') NOT NULL,
  `target` varchar(64) NOT NULL,
  `kind` enum('OPERATOR','RECOVERY') NOT NULL,
  `reason` varchar(255) NOT NULL,
  `set_by` varchar(128) NOT NULL,
  `created_at` datetime(3) NOT NULL,
  PRIMARY KEY (`scope`, `target`, `kind`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
