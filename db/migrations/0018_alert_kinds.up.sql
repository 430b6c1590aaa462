ALTER TABLE `alerts` MODIFY `kind` varchar(64) NOT NULL;
