CREATE TABLE IF NOT EXISTS `withdrawal_events` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `request_id` varchar(64) NOT NULL,
  `type` varchar(64) NOT NULL,
  `status` enum('PENDING','AWAITING_APPROVAL','AWAITING_FUNDS','SIGNING','SIGNED','BROADCASTING','BROADCASTED','CONFIRMING','DEAD_LETTERED','COMPLETED','FAILED','REJECTED','CANCELLED') NULL,
  `detail` text NOT NULL,
  `created_at` datetime(3) NOT NULL,
  KEY `withdrawal_events_request` (`request_id`, `id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
