import asyncio

log = []


async def save():
    log.append(1)


async def main():
    save()


asyncio.run(main())
print("result:", log)
