// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token whose transfers burn as much gas as its owner sets.
/// @dev An appetite raised between the estimate and the block lets a transaction run out of gas on
/// chain: it is mined with status 0, its gas is paid, and nothing moves.
contract TestHungryToken is ERC20, Ownable {
    /// @notice Gas units each transfer burns on top of what it needs.
    uint256 public appetite;

    constructor(
        address initialHolder,
        uint256 initialSupply
    ) ERC20("Test Hungry Token", "HUNGRY") Ownable(msg.sender) {
        _mint(initialHolder, initialSupply);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function setAppetite(uint256 gasUnits) external onlyOwner {
        appetite = gasUnits;
    }

    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 start = gasleft();
        uint256 hunger = from == address(0) ? 0 : appetite;
        // Hashing memory is dear and allocates nothing: a few rounds eat what a bare loop takes thousands for.
        while (start - gasleft() < hunger) {
            assembly {
                pop(keccak256(0, 0x1000))
            }
        }
        super._update(from, to, amount);
    }
}
