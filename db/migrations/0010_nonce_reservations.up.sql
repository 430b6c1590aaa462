CREATE TABLE IF NOT EXISTS `nonce_reservations` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `chain_id` int NOT NULL,
  `wallet_address` char(42) NOT NULL,
  `nonce` bigint NOT NULL,
  `request_id` varchar(64) NULL,
  `live_request_id` varchar(64) NULL,
  `generation` int NOT NULL,
  `state` enum('RESERVED','SIGNED','VOIDING','CONSUMED','FREED','FOREIGN') NOT NULL,
  `consumed_by` char(66) NULL,
  `updated_at` datetime(3) NOT NULL,
  UNIQUE KEY `nonce_reservations_nonce` (`chain_id`, `wallet_address`, `nonce`),
  UNIQUE KEY `nonce_reservations_live` (`live_request_id`),
  KEY `nonce_reservations_state` (`chain_id`, `wallet_address`, `state`, `nonce`),
  KEY `nonce_reservations_request` (`request_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
