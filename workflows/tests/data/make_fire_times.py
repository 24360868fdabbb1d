#!/usr/bin/env python3
"""Writes `fire_times.tsv`: when schedules fire, according to croniter.

    python3 -m venv venv && venv/bin/pip install croniter==7.0.0 tzdata
    venv/bin/python make_fire_times.py > fire_times.tsv

A line holds a zone, a schedule, an instant to start from and the instants that follow it, each as seconds after the one
before. Half of the starts lie shortly before a change of the zone's clock, the rest anywhere. The choice is seeded, so
that another run of this script writes the same file.
"""

import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from croniter import croniter

ZONES = [
    "UTC", "Asia/Jerusalem", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "America/St_Johns",
    "America/Santiago", "America/Havana", "Europe/London", "Europe/Berlin", "Europe/Dublin", "Africa/Cairo",
    "Africa/Casablanca", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Asia/Beirut", "Australia/Sydney",
    "Australia/Lord_Howe", "Pacific/Chatham",
]
FIXED = [
    "30 2 * * *", "0 2 * * *", "30 1 * * *", "0 0 * * *", "30 0 * * *", "15 3 * * *", "45 2 * * 0", "0 3 * * 7",
    "5 1,2,3 * * *", "10 23,0 * * *", "0 9-17 * * 1-5", "0 18 * * *", "59 23 * * *", "0 0 1 * *", "30 4 1,15 * 5",
    "0 12 29 2 *", "0 6 31 * *", "20 2 * 3,10,11 *", "0 1-3 * * SUN", "0 8 13 * FRI", "0 0 */10 * 1",
]
REPEATING = [
    "* * * * *", "*/5 * * * *", "*/15 * * * *", "*/30 * * * *", "7 * * * *", "0 * * * *", "0 */2 * * *",
    "30 */6 * * *", "*/20 1,2 * * *", "*/7 0-3 * * *", "* 2 * * *", "45 * * * 1-5",
]
YEARS = range(2019, 2026)
FOLLOWING = 5
# Beyond it the zones' rules are guesses, and two copies of them guess differently.
LAST_YEAR = 2026
PER_ZONE = 90


def clock_changes(zone):
    """The first whole minute of each new offset."""
    at, end = datetime(YEARS[0], 1, 1, tzinfo=timezone.utc), datetime(YEARS[-1], 12, 1, tzinfo=timezone.utc)
    while at < end:
        later = at + timedelta(hours=12)
        if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            low, high = at, later
            while high - low > timedelta(minutes=1):
                middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
                same = middle.astimezone(zone).utcoffset() == at.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            yield high
        at = later


def following(schedule, start, zone):
    """Asked anew for each instant: an iterator of croniter remembers more than its last answer."""
    at = start
    for _ in range(FOLLOWING):
        at = croniter(schedule, at.astimezone(zone)).get_next(datetime).astimezone(timezone.utc)
        if at.year > LAST_YEAR:
            return
        yield at


def main():
    choice = random.Random(1)
    for name in ZONES:
        zone = ZoneInfo(name)
        changes = list(clock_changes(zone))
        for case in range(PER_ZONE):
            if changes and case % 2 == 0:
                start = choice.choice(changes) - timedelta(seconds=choice.randrange(0, 4 * 3600))
            else:
                days = choice.randrange(0, 365 * len(YEARS))
                start = datetime(YEARS[0], 1, 1, tzinfo=timezone.utc) + timedelta(
                    days=days, seconds=choice.randrange(0, 86400))
            schedule = choice.choice(FIXED if choice.random() < 0.6 else REPEATING)
            steps, before = [], start
            for at in following(schedule, start, zone):
                steps.append(int((at - before).total_seconds()))
                before = at
            print(name, schedule, int(start.timestamp()), *steps, sep="\t")


main()
