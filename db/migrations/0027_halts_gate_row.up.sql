INSERT IGNORE INTO `halts_gate` (`id`) VALUES (1);
