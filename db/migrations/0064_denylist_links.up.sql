CREATE TABLE IF NOT EXISTS `denylist_links` (
  `network` varchar(32) NOT NULL,
  `address` varchar(42) NOT NULL,
  `next_address` varchar(42) NULL,
  `link_seal` char(64) NOT NULL,
  `entries_seal` char(64) NOT NULL,
  PRIMARY KEY (`network`, `address`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
