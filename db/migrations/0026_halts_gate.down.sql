DROP TABLE IF EXISTS `halts_gate`;
