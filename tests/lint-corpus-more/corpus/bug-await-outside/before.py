import asyncio


async def fetch():
    return 1


def load():
    return await fetch()


print("result:", load())
