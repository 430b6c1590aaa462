CREATE TABLE IF NOT EXISTS `policies` (
  `version` int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `status` enum('DRAFT','LIVE','RETIRED','REJECTED') NOT NULL,
  `live_key` char(4) NULL,
  `document` mediumtext NOT NULL,
  `reason` varchar(255) NOT NULL,
  `proposed_by` int NULL,
  `proposed_at` datetime(3) NOT NULL,
  `decided_by` int NULL,
  `decided_at` datetime(3) NULL,
  `decision_reason` varchar(255) NULL,
  UNIQUE KEY `policies_live` (`live_key`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
