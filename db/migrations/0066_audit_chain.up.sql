CREATE TABLE IF NOT EXISTS `audit_chain` (
  `position` bigint NOT NULL PRIMARY KEY,
  `audit_id` bigint NOT NULL,
  `hash` char(64) NOT NULL,
  UNIQUE KEY `audit_chain_row` (`audit_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
