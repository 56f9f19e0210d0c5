"""The activity feed: what happened on the site, written by the worker, shown live in the browser.

A page publishes a job (RabbitMQ); the worker stores an activity (MongoDB) and says so on a channel
(Redis); the Node application in `activity/` listens there and pushes it over its WebSockets.
"""
