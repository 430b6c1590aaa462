// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A test stand-in for Circle's USDC: six decimals, a pause switch and a deny list.
/// @dev Pause and deny-list reverts carry the texts of Circle's FiatToken, so that an error
/// classifier meets the words it will meet on mainnet. A balance that is too small reverts with
/// OpenZeppelin's typed error. Not for real money: the owner mints at will.
contract TestUSDC is ERC20, Ownable {
    bool public paused;
    mapping(address account => bool denied) public isDenied;

    event Paused();
    event Unpaused();
    event DenyListed(address indexed account, bool denied);

    constructor(
        address initialHolder,
        uint256 initialSupply
    ) ERC20("Test USD Coin", "USDC") Ownable(msg.sender) {
        _mint(initialHolder, initialSupply);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function pause() external onlyOwner {
        paused = true;
        emit Paused();
    }

    function unpause() external onlyOwner {
        paused = false;
        emit Unpaused();
    }

    /// @notice Puts `account` on the deny list or takes it off: it can then neither send nor receive.
    function denyList(address account, bool denied) external onlyOwner {
        isDenied[account] = denied;
        emit DenyListed(account, denied);
    }

    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    /// @dev The caller is checked too: a denied spender may not move somebody else's allowance.
    function _update(address from, address to, uint256 amount) internal override {
        require(!paused, "Pausable: paused");
        require(
            !isDenied[msg.sender] && !isDenied[from] && !isDenied[to],
            "Blacklistable: account is blacklisted"
        );
        super._update(from, to, amount);
    }
}
