CREATE TABLE IF NOT EXISTS `listed_addresses` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `list` enum('ALLOW','DENY') NOT NULL,
  `network` varchar(32) NOT NULL,
  `address` char(42) NOT NULL,
  `owner_id` int NULL,
  `label` varchar(128) NULL,
  `status` enum('PROPOSED','LIVE','REMOVAL_PROPOSED','REMOVED','REJECTED') NOT NULL,
  `open_key` varchar(191) NULL,
  `reason` varchar(255) NOT NULL,
  `proposed_by` int NOT NULL,
  `proposed_at` datetime(3) NOT NULL,
  `live_at` datetime(3) NULL,
  `decided_by` int NULL,
  `decided_at` datetime(3) NULL,
  UNIQUE KEY `listed_addresses_open` (`open_key`),
  KEY `listed_addresses_address` (`address`, `network`, `status`),
  KEY `listed_addresses_list` (`list`, `status`, `id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
