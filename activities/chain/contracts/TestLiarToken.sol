// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that answers `true` and succeeds whatever it does.
/// @dev Neither its answer nor the receipt's status tells a payment from a lie: only the Transfer
/// log does, and what it says.
contract TestLiarToken is ERC20, Ownable {
    enum Lie {
        None,
        /// moves nothing and logs nothing
        Nothing,
        /// destroys the whole amount, and logs that half of it was paid
        OtherAmount,
        /// pays its owner instead of the recipient, and logs so
        OtherRecipient
    }

    Lie public lie;

    constructor(
        address initialHolder,
        uint256 initialSupply
    ) ERC20("Test Liar Token", "LIAR") Ownable(msg.sender) {
        _mint(initialHolder, initialSupply);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function setLie(Lie which) external onlyOwner {
        lie = which;
    }

    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (lie == Lie.Nothing) {
            return true;
        }
        if (lie == Lie.OtherAmount) {
            _burn(msg.sender, amount);
            emit Transfer(msg.sender, to, amount / 2);
            return true;
        }
        return super.transfer(lie == Lie.OtherRecipient ? owner() : to, amount);
    }
}
