"""The hub beside InfluxDB and VictoriaMetrics: the same data, the same questions over HTTP, in one run.

`make bench-peers`. Each server has one core and the load generator another; they are asked in turn, round by round, after all have given the same answers.
"""
