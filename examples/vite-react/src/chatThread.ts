import { ChatClient } from '@azure/communication-chat';
import type { CommunicationTokenCredential } from '@azure/communication-common';

export interface ChatLine {
  id: string;
  sender: string;
  text: string;
}

export interface Thread {
  send(text: string): Promise<void>;
  /** The messages so far, the oldest first. */
  lines(): Promise<ChatLine[]>;
}

interface ThreadOptions {
  endpoint: string;
  credential: CommunicationTokenCredential;
  userId: string;
  name: string;
}

/** Opens a new thread with this user as its only participant; `addParticipants` of the client invites others. */
export async function openThread({ endpoint, credential, userId, name }: ThreadOptions): Promise<Thread> {
  const client = new ChatClient(endpoint, credential);
  const participants = [{ id: { communicationUserId: userId }, displayName: name }];
  const { chatThread } = await client.createChatThread({ topic: 'Hello' }, { participants });
  if (!chatThread) throw new Error('The chat service returned no thread.');
  const thread = client.getChatThreadClient(chatThread.id);
  return {
    async send(text) {
      await thread.sendMessage({ content: text }, { senderDisplayName: name });
    },
    async lines() {
      const lines: ChatLine[] = [];
      for await (const { id, type, content, senderDisplayName } of thread.listMessages()) {
        if (type === 'text')
          lines.unshift({ id, sender: senderDisplayName ?? '', text: content?.message ?? '' });
      }
      return lines;
    },
  };
}
