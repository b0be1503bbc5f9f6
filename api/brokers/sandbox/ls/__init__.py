"""The LS front door of the sandbox: OAuth, the stock TRs over REST, and the order notices SC0 to SC4 over a websocket."""
