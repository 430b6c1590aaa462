DELETE FROM `halts_gate` WHERE `id` = 1;
