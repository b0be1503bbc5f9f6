import { describe, expect, it } from 'vitest'
import { sameSite } from './config'

describe('sameSite', () => {
  it.each([
    ['http://127.0.0.1:8000', 'http://localhost:8080', 'http://localhost:8000'],
    ['http://localhost:8000/', 'http://127.0.0.1:8080', 'http://127.0.0.1:8000'],
    ['https://api.example.com', 'http://localhost:8080', 'https://api.example.com'],
    ['http://127.0.0.1:8000', 'https://lucy.example.com', 'http://127.0.0.1:8000'],
    ['', 'https://lucy.example.com', 'https://lucy.example.com'],
    ['/lucy/', 'https://lucy.example.com', 'https://lucy.example.com/lucy'],
  ])('reaches %j from %s at %s', (apiUrl, page, reached) => expect(sameSite(apiUrl, page)).toBe(reached))
})
