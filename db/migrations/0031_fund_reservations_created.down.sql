ALTER TABLE `fund_reservations` DROP INDEX `fund_reservations_created`;
