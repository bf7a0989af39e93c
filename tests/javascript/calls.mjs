// Calls each endpoint with the official client and prints what came, as JSON.
// HUB_URL and HUB_TOKEN say where and as whom.
import OpenAI, { toFile } from "openai";

const client = new OpenAI({
  baseURL: process.env.HUB_URL,
  apiKey: process.env.HUB_TOKEN,
  maxRetries: 0,
});
const messages = [{ role: "user", content: "Hello" }];
const found = {};

const chat = await client.chat.completions.create({ model: "test-chat", messages });
found.chat = chat.choices[0].message.content;

found.streamed = "";
for await (const chunk of await client.chat.completions.create({
  model: "test-chat",
  messages,
  stream: true,
})) {
  found.streamed += chunk.choices[0]?.delta?.content ?? "";
}

const vectors = await client.embeddings.create({ model: "test-embedding", input: ["a", "b"] });
found.vectors = vectors.data.length;

found.models = [];
for await (const model of client.models.list()) found.models.push(model.id);
found.model = (await client.models.retrieve("tts-1")).id;

const speech = await client.audio.speech.create({ model: "tts-1", voice: "alloy", input: "Hi" });
found.speech = Buffer.from(await speech.arrayBuffer()).toString();

// The client writes the fields of a form in this order: the audio comes before the model's name.
const file = await toFile(Buffer.alloc(600_000, 7), "talk.wav", { type: "audio/wav" });
found.transcript = (await client.audio.transcriptions.create({ file, model: "whisper-1" })).text;

found.transcriptEvents = [];
for await (const event of await client.audio.transcriptions.create({
  file,
  model: "whisper-1",
  stream: true,
})) {
  found.transcriptEvents.push(event.type);
}

const pictures = await client.images.generate({ model: "dall-e-3", prompt: "a cat", n: 2 });
found.pictures = pictures.data.length;
const judged = await client.moderations.create({ model: "omni-moderation-latest", input: "Hi" });
found.flagged = judged.results[0].flagged;

try {
  await client.chat.completions.create({ model: "nowhere", messages });
} catch (error) {
  found.error = { kind: error.constructor.name, code: error.code, id: Boolean(error.requestID) };
}
console.log(JSON.stringify(found));
